"""The steps that make Glyphs-100: packages to faces, faces to pictures, families to splits."""
