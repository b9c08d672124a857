"""Numbers, units, intervals and dates as documents print them.

The grammar is ours and strict: what is ambiguous is refused, never guessed. pint converts between
whitelisted units only. Decimal arithmetic throughout, no binary floats.
"""
