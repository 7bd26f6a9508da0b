"""Workflows as pipelines of rows, without HTTP.

A graph is checked (``checking``), run (``engine``) and its rows are kept (``results``); what a node can be is in
``catalogue``.
"""
