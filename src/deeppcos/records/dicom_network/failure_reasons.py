"""What failure reasons of DICOM mean, for storage commitment and STOW-RS alike."""

REASONS = {
    0x0110: "processing failure",
    0x0112: "no such instance there",
    0x0119: "class and instance do not belong together",
    0x0122: "SOP class not supported",
    0x0131: "transaction UID already used",
    0x0213: "out of resources",
    0xA700: "out of resources",
    0xA900: "the data set does not match its SOP class",
    0xC000: "cannot be understood",
}
