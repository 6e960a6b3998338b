// @ts-check
/**
 * Makes pictures no larger than models look at, and leaves out what cameras write into them: place, time, device. What
 * cannot be drawn, or moves, stays as it is.
 */
/** Pixels of the longer side. */
const LONGEST = 2048;
const QUALITY = 0.9;
/** Types that are drawn anew; others have no such data, or move. */
const DRAWN = ["image/jpeg", "image/png", "image/webp"];

/** The size of a picture that is no larger than it may be. @param {number} width @param {number} height @returns {[width: number, height: number]} */
export function fitted(width, height) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** What a picture is drawn as. Many models cannot read WebP, and not every browser writes it. @param {File} file */
async function drawnType(file) {
  if (file.type !== "image/webp") return file.type;
  const head = new Uint8Array(await file.slice(0, 21).arrayBuffer());
  const kind = new TextDecoder().decode(head.subarray(12, 16));
  return kind === "VP8 " || (kind === "VP8X" && !((head[20] ?? 0) & 16)) ? "image/jpeg" : "image/png"; // 16: transparent
}

/** The picture as it is sent. @param {File} file @returns {Promise<File>} */
export async function shrunk(file) {
  if (!DRAWN.includes(file.type)) return file;
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture) return file;
  const [width, height] = fitted(picture.width, picture.height);
  const isSmall = width === picture.width && height === picture.height;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  if (!pen) return file;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, width, height);
  picture.close();
  const type = await drawnType(file);
  const drawn = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => canvas.toBlob(done, type, QUALITY));
  canvas.width = canvas.height = 0; // frees its memory at once
  if (!drawn || drawn.type !== type) return file;
  if (isSmall && file.type === "image/png" && drawn.size > file.size && !(await hasMetadata(file))) return file;
  return new File([drawn], file.name.replace(/\.webp$/i, type === "image/png" ? ".png" : ".jpg"), { type });
}

/** Whether a PNG has data of a camera. @param {Blob} file */
async function hasMetadata(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 65_536)) + new TextDecoder("latin1").decode(bytes.subarray(-65_536));
  return /eXIf|tEXt|iTXt|zTXt|tIME/.test(text);
}
