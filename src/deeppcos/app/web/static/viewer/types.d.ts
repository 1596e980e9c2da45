// The shapes that travel between the modules of the viewer, and between it and the server.
// Owns no code. The server's side of them is deeppcos.app.desk.marks.wire.

export type Point = [number, number];
export type Polygon = Point[];

export type Kind =
  | "ovary" | "antral" | "dominant" | "below_range" | "unsized" | "cyst" | "vessel";
export type ChosenKind = "antral" | "dominant" | "cyst" | "vessel";

export type Delta =
  | "missed" | "extra" | "boundary" | "split" | "merge" | "wrong_kind"
  | "not_assessable" | "label_dispute" | "undo";

export interface Mark {
  id: string;
  kind: Kind;
  polygon: Polygon;
  probability?: number;
  by: "machine" | "reader";
  kind_by: "size" | "reader";
  is_doubtful?: boolean;
  /** The machine's research flag: looks like a corpus luteum. */
  is_luteal_like?: boolean;
  made_from?: string[];
}

export interface Remark {
  id: string;
  kind: "not_assessable" | "label_dispute";
  text: string;
  about: string | null;
}

export interface FrameMarks {
  marks: Mark[];
  remarks: Remark[];
}

export interface Scale {
  x: number;
  y: number;
  source: string;
}

export interface Edit {
  id: string;
  delta: Delta;
  picture: string;
  frame: number;
  removes: string[];
  adds: Mark[];
  remarks: Remark[];
  undoes: string | null;
  seconds: number;
  at: string;
  machine_marks_seen: boolean;
  release: string;
  /** Only of edits that came from the server. */
  reader?: string;
  number?: number;
}

/** What an edit does, before it is signed with time and reader. */
export interface Change {
  delta: Delta;
  removes: string[];
  adds: Mark[];
  remarks: Remark[];
}

export interface Limits {
  smallest_counted_mm: number;
  dominant_from_mm: number;
}

export interface PictureInfo {
  id: string;
  name: string;
  kind: "still" | "sweep" | "volume";
  side: "left" | "right" | null;
  plane: string | null;
  frame_count: number;
  width: number;
  height: number;
  frames_per_second: number | null;
  frame_times_s: number[] | null;
  slice_spacing_mm: number | null;
  tissue_region: [number, number, number, number] | null;
  is_ready: boolean;
  problem: string;
  reel_frames: number;
  urls: {
    exact: string; small: string; playing: string; marks: string; saliency: string; plane: string;
  };
}

export interface Manifest {
  study: { id: string; title: string; subtitle: string; url: string };
  reading: {
    id: string | null;
    purpose: "review" | "second" | "adjudication";
    is_blinded: boolean;
    may_edit: boolean;
    why_not: string;
    version: number;
    reader: string;
    finished: boolean;
  };
  release: string;
  limits: Limits;
  default_frames_per_second: number;
  pictures: PictureInfo[];
  earlier: { title: string; url: string }[];
  urls: { edits: string; outline: string; measures: string; sitting: string; finish: string | null; sign_in: string };
  user: string;
}

export interface FrameInfo {
  frame: number;
  mm_per_pixel: Scale | null;
  scale_problem: string;
  assessable: boolean;
  because: string[];
  machine?: FrameMarks;
  reader?: FrameMarks;
  signed?: FrameMarks;
  interval?: { value: number; low: number; high: number } | null;
}

export interface MarksFile {
  picture: string;
  version: number;
  frames: FrameInfo[];
}

export interface CountMeasure {
  value: number | null;
  low: number | null;
  high: number | null;
  coverage?: number | null;
  unknown_because: string | null;
}

export interface SideMeasures {
  fnps: CountMeasure;
  tracked_estimate: CountMeasure;
  fnpo: CountMeasure;
  volume_ml: CountMeasure;
  length_mm: number | null;
  width_mm: number | null;
}

export interface Measures {
  left: SideMeasures | null;
  right: SideMeasures | null;
  side_unknown: SideMeasures | null;
}

export interface MeasuresFile {
  version: number;
  machine?: Measures | null;
  reader: Measures | null;
  signed?: Measures | null;
  signed_by?: string;
}

export interface Kept {
  version: number;
}

export interface Behind {
  version: number;
  edits: Edit[];
  misfit?: string;
}
