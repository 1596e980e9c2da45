"""From pixels to measurements: frames in, ovaries and follicles with millimetres out."""
