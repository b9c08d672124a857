"""Documents as files and as pages: found, hashed and sniffed on the host, laid out from words.

Nothing here opens a document's bytes with a parser: that happens inside the sandbox, and what
comes out of it (words with boxes) is read here as data.
"""
