"""The sub-commands of `lampyre gateway`, one file for each subject."""
