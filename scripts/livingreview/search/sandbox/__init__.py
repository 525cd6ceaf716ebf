"""A stand-in for PubMed's service on this computer."""

from livingreview.search.sandbox.server import PATH, Request, Sandbox, read_corpus, serve

__all__ = ["PATH", "Request", "Sandbox", "read_corpus", "serve"]
