"""Telling people what a month came to: the digest, and its ways by mail and webhook."""
