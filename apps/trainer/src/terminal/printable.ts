// What a model says may hold any bytes: control characters would let it move the cursor, rename the window, or worse.

/** Control characters but line breaks and tabs become U+FFFD, as do those that reverse the direction of text. */
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
