-- The words of the full-text index, so that the start of a word can be spelt out; it keeps nothing of its own.
CREATE VIRTUAL TABLE text_terms USING fts5vocab (text, instance);
