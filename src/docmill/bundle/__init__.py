"""Bundles: a run in one file, proven again anywhere, with no store, no workspace and no network.

`export` writes one, `verify` reads it as what it may be: made up by somebody who wants to be
believed. Nothing in a bundle is ever run or imported.
"""
