"""The scorecard: the KPIs of one period of a company, on one page that needs nothing but a browser."""
