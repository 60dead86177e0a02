"""Running the stages of a study: in order, side by side, here or on other machines."""
