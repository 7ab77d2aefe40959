"""Tests on a real site: `bench --site SITE run-tests --app sales_kpi`. They leave the site as it was where they can, and
are meant for a site that is thrown away.
"""
