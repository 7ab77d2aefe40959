"""From facts to figures: values, the documents behind them, their quality, and what can be learned from them."""
