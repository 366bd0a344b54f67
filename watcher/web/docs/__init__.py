"""The API's document as pages to read: made here, from the document, loading nothing from elsewhere, and without scripts."""
