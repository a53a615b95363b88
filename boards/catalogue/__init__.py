"""The boards we know: their files read and checked, and how one is wired; `lampyre boards`."""
