"""How facts arrive: connectors, the landing engine and the company folder."""
