"""The demo: a real cluster, good and bad revisions of a model server, users all the time, and the page that arrives."""
