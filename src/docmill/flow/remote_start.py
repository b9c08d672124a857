"""Starts Prefect's process: `python -m docmill.flow.remote_start WORK QUICK`; see `remote`.

Some 1,200 modules make objects that live as long as the process: looking for garbage among them
takes a tenth of the import, and time again in every later collection.
"""

import gc

gc.disable()

from docmill.flow.remote import main  # noqa: E402  after the line above

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
