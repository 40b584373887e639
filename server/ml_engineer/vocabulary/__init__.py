"""Every noun that is passed on or stored, and the request and reply of each verb.

Frozen pydantic records only: no files, no numpy, nothing that computes. Import from the module
that names the noun (`ml_engineer.vocabulary.problem`), so that reading one does not build all.
"""
