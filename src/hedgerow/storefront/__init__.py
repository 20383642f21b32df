"""A small web shop that embeds the browser SDK: its pages, its pictures, and its federation."""
