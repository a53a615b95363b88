"""What a run showed: collected as it happens, then as JSON, JUnit XML, a live picture and a page to read."""
