import CKernelSupport
import KernelSet
import KernelsAVX2
import KernelsAVX512
import KernelsBaseline

/// For which processors the kernels were compiled.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// What every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
  case baseline
  /// x86-64-v3: 256-bit vectors and fused multiply-add.
  case avx2
  /// x86-64-v4: 512-bit vectors.
  case avx512

  /// Whether this processor, and its system, can run the kernels.
  package var isAvailable: Bool {
    switch self {
    case .baseline: true
    case .avx2: rnw_supports_avx2() != 0
    case .avx512: rnw_supports_avx512() != 0
    }
  }

  /// The best set that is available.
  package static let best: InstructionSet =
    [.avx512, .avx2].first(where: \.isAvailable) ?? .baseline

  /// The kernels of this set.
  var kernels: any KernelSet.Type {
    switch self {
    case .baseline: KernelsBaseline.Kernels.self
    case .avx2: KernelsAVX2.Kernels.self
    case .avx512: KernelsAVX512.Kernels.self
    }
  }
}
