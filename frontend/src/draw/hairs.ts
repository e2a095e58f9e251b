/** Links as hairlines, by the hundred thousand: one call draws them all, from the places of their ends. */

import type { RenderParams } from "sigma/types";

const VERTEX = /* glsl */ `
attribute vec2 a_place;
uniform mat3 u_matrix;
void main() {
  gl_Position = vec4((u_matrix * vec3(a_place, 1)).xy, 0, 1);
}`;

const FRAGMENT = /* glsl */ `
precision mediump float;
uniform vec3 u_colour;
void main() {
  gl_FragColor = vec4(u_colour, 1);
}`;

/** What is drawn: four numbers a line, in the units of sigma's square, and one colour. */
export interface Lines {
  places: Float32Array;
  colour: [number, number, number];
}

/** Make a program that stands among those for links, but draws `lines` instead of the graph's own. */
export function hairProgram(lines: Lines) {
  return class {
    private readonly program: WebGLProgram;
    private readonly buffer: WebGLBuffer;
    private sent: Float32Array | null = null;

    constructor(private readonly gl: WebGLRenderingContext) {
      this.program = gl.createProgram()!;
      for (const [type, source] of [
        [gl.VERTEX_SHADER, VERTEX],
        [gl.FRAGMENT_SHADER, FRAGMENT],
      ] as const) {
        const shader = gl.createShader(type)!;
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(this.program, shader);
      }
      gl.linkProgram(this.program);
      this.buffer = gl.createBuffer()!;
    }

    kill(): void {
      this.gl.deleteProgram(this.program);
      this.gl.deleteBuffer(this.buffer);
    }

    reallocate(): void {}

    process(): void {}

    render({ matrix }: RenderParams): void {
      const { gl, program } = this;
      if (!lines.places.length) return;
      gl.useProgram(program);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      if (this.sent !== lines.places) gl.bufferData(gl.ARRAY_BUFFER, lines.places, gl.STATIC_DRAW);
      this.sent = lines.places;
      const place = gl.getAttribLocation(program, "a_place");
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
      gl.uniformMatrix3fv(gl.getUniformLocation(program, "u_matrix"), false, matrix);
      gl.uniform3fv(gl.getUniformLocation(program, "u_colour"), lines.colour);
      gl.drawArrays(gl.LINES, 0, lines.places.length / 2);
      gl.disableVertexAttribArray(place);
    }
  };
}
