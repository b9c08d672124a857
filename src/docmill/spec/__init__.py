"""YAML files of a workspace as frozen data: agents, environments, pipelines, `docmill.yaml`.

One file per noun; `load` reads a workspace and reports every mistake with its place.
Nothing here opens a document, asks a model or knows what a run is.
"""
