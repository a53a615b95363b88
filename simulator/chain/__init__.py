"""The whole chain on one virtual clock: city, air, gateway and broker, and what befalls them."""
