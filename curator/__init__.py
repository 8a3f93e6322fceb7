"""curator: dataset curation and de-identification for medical imaging.

The stages run in one direction: ingest, deid, catalog, annotate, dataset; what leaves is a frozen dataset that the
`trainers` package reads. Stages meet only through the records of `curator.model`.
"""

__version__ = "0.1.0"
