"""A package of somebody else that adds a fact and a KPI, one file each, as any app may."""
