"""Records, values, verdicts and results: the data every layer above passes around and stores.

`values` is what a model submits, `checked` what code made of it, `results` what a run ended with.
Nothing here computes: grounding stands in `output`, judging in `checks`, folding in `store`.
"""
