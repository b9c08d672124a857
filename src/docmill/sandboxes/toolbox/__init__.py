"""The program inside a sandbox: serves tools and document preparation over one socket.

Copied into the sandbox as a package of its own, so its modules import each other relatively and
nothing but the standard library at start; `pypdf` and pdfium only in the reader's child process.
It trusts its caller, never the document or a command's output.
"""
