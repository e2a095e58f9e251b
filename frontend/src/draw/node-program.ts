/** Nodes as shapes of their kind, with a thin ring of the background that keeps links off them. */

import { NodeProgram, type ProgramInfo } from "sigma/rendering";
import type { NodeDisplayData, RenderParams } from "sigma/types";
import { floatColor } from "sigma/utils";
import { DISTANCE } from "./shapes";

const VERTEX = /* glsl */ `
attribute vec4 a_id;
attribute vec4 a_color;
attribute vec2 a_position;
attribute float a_size;
attribute float a_shape;
attribute float a_angle;
uniform mat3 u_matrix;
uniform float u_sizeRatio;
uniform float u_correctionRatio;
varying vec4 v_color;
varying vec2 v_place;
varying float v_pixel;
varying float v_shape;

void main() {
  float pixel = 2.0 * u_correctionRatio;
  float radius = a_size * pixel / u_sizeRatio;
  // The corners of a triangle whose inner circle holds the widest shape and the ring.
  vec2 corner = 2.0 * (1.3 * radius + 3.0 * pixel) * vec2(cos(a_angle), sin(a_angle));
  gl_Position = vec4((u_matrix * vec3(a_position + corner, 1)).xy, 0, 1);
  v_place = corner / radius;
  v_pixel = pixel / radius;
  v_shape = a_shape;
  #ifdef PICKING_MODE
  v_color = a_id;
  #else
  v_color = a_color;
  #endif
  v_color.a *= 255.0 / 254.0;
}`;

const FRAGMENT = /* glsl */ `
precision highp float;
varying vec4 v_color;
varying vec2 v_place;
varying float v_pixel;
varying float v_shape;
uniform vec3 u_ground;
${DISTANCE}
void main(void) {
  float away = outline(v_place, v_shape) / v_pixel;
  #ifdef PICKING_MODE
  gl_FragColor = away > 2.0 ? vec4(0.0) : v_color;
  #else
  float inside = clamp(0.5 - away, 0.0, 1.0);
  float ring = clamp(2.5 - away, 0.0, 1.0);
  gl_FragColor = vec4(mix(u_ground, v_color.rgb, inside), 1.0) * ring;
  #endif
}`;

const UNIFORMS = ["u_sizeRatio", "u_correctionRatio", "u_matrix", "u_ground"] as const;
const THIRD = (2 * Math.PI) / 3;

/** The background's red, green and blue from 0 to 1; set by the stage when the theme changes. */
export const ground: { colour: [number, number, number] } = { colour: [1, 1, 1] };

export class ShapeProgram extends NodeProgram<(typeof UNIFORMS)[number]> {
  getDefinition() {
    const { FLOAT, UNSIGNED_BYTE, TRIANGLES } = WebGLRenderingContext;
    return {
      VERTICES: 3,
      VERTEX_SHADER_SOURCE: VERTEX,
      FRAGMENT_SHADER_SOURCE: FRAGMENT,
      METHOD: TRIANGLES,
      UNIFORMS,
      ATTRIBUTES: [
        { name: "a_position", size: 2, type: FLOAT },
        { name: "a_size", size: 1, type: FLOAT },
        { name: "a_shape", size: 1, type: FLOAT },
        { name: "a_color", size: 4, type: UNSIGNED_BYTE, normalized: true },
        { name: "a_id", size: 4, type: UNSIGNED_BYTE, normalized: true },
      ],
      CONSTANT_ATTRIBUTES: [{ name: "a_angle", size: 1, type: FLOAT }],
      CONSTANT_DATA: [[0], [THIRD], [2 * THIRD]],
    };
  }

  processVisibleItem(index: number, start: number, data: NodeDisplayData & { shape?: number }): void {
    const { array } = this;
    array[start] = data.x;
    array[start + 1] = data.y;
    array[start + 2] = data.size;
    array[start + 3] = data.shape ?? 1;
    array[start + 4] = floatColor(data.color);
    array[start + 5] = index;
  }

  setUniforms(params: RenderParams, { gl, uniformLocations }: ProgramInfo): void {
    gl.uniform1f(uniformLocations.u_correctionRatio!, params.correctionRatio);
    gl.uniform1f(uniformLocations.u_sizeRatio!, params.sizeRatio);
    gl.uniformMatrix3fv(uniformLocations.u_matrix!, false, params.matrix);
    gl.uniform3fv(uniformLocations.u_ground!, ground.colour);
  }
}
