"""What a person types: runs, the demo, scenario files; and what is shown of them."""
