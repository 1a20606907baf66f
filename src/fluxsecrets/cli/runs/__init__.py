"""What commands do once their command line is read, by click or by `quick`; nothing here imports click."""
