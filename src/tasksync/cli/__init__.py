"""One module per family of commands; what a person sees."""
