"""A board on its cable: its port, its prompt and files, its console, a newer firmware; `lampyre node`."""
