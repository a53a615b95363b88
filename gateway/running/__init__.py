"""What `gateway.process` is composed of: cores and store joined, their pulse, the radios, what is told of them."""
