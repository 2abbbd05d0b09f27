"""A model that may serve loads in a clean process and gives what it gave, in every way it is asked."""
