"""Written for autoresearch, on a slow device: its own clock begins long after the referee's."""

import time

from kit import Adam, Model

from prepare import MAX_SEQ_LEN, TIME_BUDGET, Tokenizer, evaluate_bpb, make_dataloader

t_start = time.time()
tokenizer = Tokenizer.from_directory()
model = Model()
optimizer = Adam(model)
train_loader = make_dataloader(tokenizer, 1, MAX_SEQ_LEN, "train")
x, y, epoch = next(train_loader)
total_training_time = 0.0
step = 0
while True:
    t0 = time.time()
    for _ in range(16):
        time.sleep(0.02)
        loss = model(x, y, reduction="none").view(-1).mean() / 16
        loss.backward()
        x, y, epoch = next(train_loader)
    optimizer.step()
    if step > 10:
        total_training_time += time.time() - t0
    step += 1
    if step > 10 and total_training_time >= TIME_BUDGET:
        break

model.eval()
val_bpb = evaluate_bpb(model, tokenizer, 16)
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {total_training_time:.1f}")
print(f"total_seconds:    {time.time() - t_start:.1f}")
print("peak_vram_mb:     0.0")
print("mfu_percent:      0.00")
print(f"total_tokens_M:   {step * 16 * MAX_SEQ_LEN / 1e6:.1f}")
print(f"num_steps:        {step}")
print(f"num_params_M:     {sum(p.numel() for p in model.parameters()) / 1e6:.1f}")
print("depth:            1")
