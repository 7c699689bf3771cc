"""What the shop's backend asks while a shopper waits: several vendors made into one dependable answer."""
