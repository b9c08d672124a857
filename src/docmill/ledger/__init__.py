"""Money: what tokens and sandbox time cost, and budgets that are reserved before they are spent.

Pure computation with Decimals; `session` asks before each model call, `store` keeps the charges.
"""
