"""The viewer: pictures, marks and corrections of one study."""
