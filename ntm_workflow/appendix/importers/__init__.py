"""Word, Excel, HTML, PDF and plain text → a draft appendix. Bytes in, values out."""
