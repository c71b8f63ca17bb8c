"""HTTP as every connection needs it. The only package that imports httpx and tenacity."""
