"""System `files`: what people and ERP jobs drop into an inbox, read by a mapping."""
