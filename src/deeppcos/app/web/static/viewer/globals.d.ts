// What the browser has besides its own library: Konva, from a script of its own.

declare const Konva: any;
