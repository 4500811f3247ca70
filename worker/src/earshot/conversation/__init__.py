"""What happens between what was heard and what is said."""
