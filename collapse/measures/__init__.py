"""What is measured: metrics and the estimators behind them."""
