"""The pages, one file for each screen; `console.screens` lists them with their addresses."""
