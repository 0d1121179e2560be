"""Memory that one training step leaves to the next."""

from torch import Tensor

__all__ = ["BufferPool"]


class BufferPool:
    """Memory for what belongs to the edges of one forward and backward pass, taken again by those that follow.

    On a processor, to touch new memory for the first time takes longer than a product with it; on a GPU PyTorch
    itself keeps memory. A second backward pass through the same graph is refused: PyTorch finds its numbers changed.

    Args:
        spare: blocks that earlier passes have released, and where this one releases its own.
    """

    def __init__(self, spare: list[Tensor]) -> None:
        self.spare, self.taken = spare, list[Tensor]()

    def take(self, rows: int, width: int, like: Tensor) -> Tensor:
        """(rows, width) numbers of a tensor's type, on its device, not yet set."""
        number, block = rows * width, None
        while self.spare and block is None:
            candidate = self.spare.pop()  # one that does not fit is given up
            if candidate.numel() >= number and (candidate.dtype, candidate.device) == (
                like.dtype,
                like.device,
            ):
                block = candidate
        self.taken.append(like.new_empty(number) if block is None else block)
        return self.taken[-1][:number].view(rows, width)

    def reuse(self, buffer: Tensor, width: int) -> Tensor:
        """(rows, width) numbers in the place of a (rows, any) buffer where they fit, because it is read no more."""
        return buffer if buffer.shape[1] == width else self.take(len(buffer), width, buffer)

    def release(self) -> None:
        """All that was taken is needed no more."""
        self.spare += [block for block in self.taken if block.is_cpu]
        self.taken = []
