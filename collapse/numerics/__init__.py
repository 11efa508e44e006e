"""Random variates, special functions, least squares: arrays in, arrays out."""
