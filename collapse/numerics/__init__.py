"""Random variates, special functions, least squares: functions of arrays."""
